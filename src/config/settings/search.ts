import { choice, integer, list, modelName, path } from './kind.ts';
import type { SettingRows } from './setting.ts';

export const searchSettings = {
  VOCABULARY_PATH: {
    section: 'Search',
    kind: path({ blank: true }),
    default: '',
    help: 'The downloaded vocabulary, a zip file or a folder; blank: the built-in sample.',
  },
  VOCABULARIES: {
    section: 'Search',
    kind: list(/^[^\s,](?:[^,]{0,62}[^\s,])?$/u, 'a vocabulary id such as SNOMED'),
    default: '',
    help: 'Vocabularies to index (comma-separated ids); blank: all of them.',
  },
  EMBEDDING_MODEL: {
    section: 'Search',
    kind: modelName,
    default: 'cambridgeltl/SapBERT-from-PubMedBERT-fulltext',
    defaults: { embedded: 'hashing', dev: 'hashing', test: 'hashing' },
    help: 'Embedding model for vector search; hashing needs no model files.',
  },
  EMBEDDING_PRECISION: {
    section: 'Search',
    kind: choice(['fp32', 'int8']),
    default: 'fp32',
    help: 'Precision the embedding model runs in.',
  },
  EMBEDDING_DEVICE: {
    section: 'Search',
    kind: choice(['auto', 'cpu', 'cuda']),
    default: 'auto',
    help: 'Where a vocabulary is embedded; auto takes a CUDA device where there is one.',
  },
  EMBEDDING_BATCH_TOKENS: {
    section: 'Search',
    kind: integer(32, 65_536),
    default: '512',
    help: 'Tokens that the embedding model is given at once at most.',
  },
  MODEL_DIR: {
    section: 'Search',
    kind: path({ blank: true }),
    default: '',
    help: 'Folder that holds the embedding models; blank: the cache folder of the user.',
  },
  FAISS_INDEX_PATH: {
    section: 'Search',
    kind: path({ blank: false }),
    default: '/data/faiss/index',
    defaults: { embedded: '.portiere/index/dense.faiss' },
    help: 'Path to the FAISS index file.',
  },
  DENSE_ENGINE: {
    section: 'Search',
    kind: choice(['auto', 'native', 'faiss-node', 'elasticsearch', 'milvus']),
    default: 'auto',
    help: 'What searches the vectors: our own code (auto: but a graph by faiss-node), faiss-node, or a server.',
  },
  DENSE_INDEX: {
    section: 'Search',
    kind: choice(['auto', 'Flat', 'IVFFlat', 'IVFSQ8', 'IVFPQ', 'HNSW']),
    default: 'auto',
    help: 'FAISS index type; auto chooses by the number of vectors and DENSE_MEMORY_MB.',
  },
  DENSE_QUALITY: {
    section: 'Search',
    kind: choice(['standard', 'high']),
    default: 'standard',
    help: 'Effort for recall: high trains and searches an inverted file longer.',
  },
  DENSE_MEMORY_MB: {
    section: 'Search',
    kind: integer(64, 1_048_576),
    default: '2048',
    help: 'Memory in MiB that the vectors may take in one process of the API, and while they are indexed.',
  },
  DENSE_NLIST: {
    section: 'Search',
    kind: integer(0, 1_048_576),
    default: '0',
    help: 'Lists (nlist) of an inverted FAISS index; 0 chooses by the number of vectors.',
  },
  DENSE_NPROBE: {
    section: 'Search',
    kind: integer(0, 1_048_576),
    default: '0',
    help: 'Lists a search looks into (nprobe), without a new build; 0: those that reached the recall.',
  },
  DENSE_EF_SEARCH: {
    section: 'Search',
    kind: integer(0, 65_536),
    default: '0',
    help: 'Neighbours a graph search (HNSW) keeps in view (efSearch), without a new build; 0: as built.',
  },
  INDEX_KEEP: {
    section: 'Search',
    kind: integer(1, 100),
    default: '2',
    help: 'Builds of the index that are kept, the published one included.',
  },
} as const satisfies SettingRows;
