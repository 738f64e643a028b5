/** Version of the layout below; a build with another one is refused. */
export const lexicalFormat = 2;

/**
 * One SQLite file a build: concepts, their terms (a term's `row` is the label of its vector), full text over the
 * terms, and what a concept's page shows. Indexes come after the load.
 */
export const tables = `
CREATE TABLE concept (
  concept_id INTEGER PRIMARY KEY,
  concept_name TEXT NOT NULL,
  domain_id TEXT NOT NULL,
  vocabulary_id TEXT NOT NULL,
  concept_class_id TEXT NOT NULL,
  standard_concept TEXT,
  concept_code TEXT NOT NULL,
  valid_start_date TEXT NOT NULL,
  valid_end_date TEXT NOT NULL,
  invalid_reason TEXT,
  code_key TEXT NOT NULL
);
CREATE TABLE term (
  row INTEGER PRIMARY KEY,
  concept_id INTEGER NOT NULL,
  kind TEXT NOT NULL,
  text TEXT NOT NULL,
  text_key TEXT NOT NULL
);
CREATE TABLE mapping (
  concept_id INTEGER NOT NULL,
  relationship_id TEXT NOT NULL,
  target_concept_id INTEGER NOT NULL,
  PRIMARY KEY (concept_id, relationship_id, target_concept_id)
) WITHOUT ROWID;
CREATE TABLE ancestor (
  descendant_concept_id INTEGER NOT NULL,
  ancestor_concept_id INTEGER NOT NULL,
  min_levels_of_separation INTEGER NOT NULL,
  max_levels_of_separation INTEGER NOT NULL,
  PRIMARY KEY (descendant_concept_id, ancestor_concept_id)
) WITHOUT ROWID;
CREATE TABLE attribute (
  attribute TEXT PRIMARY KEY,
  names TEXT NOT NULL,
  codes BLOB NOT NULL
);
`;

export const indexes = `
CREATE INDEX concept_code_key ON concept (code_key);
CREATE INDEX concept_vocabulary_code ON concept (vocabulary_id, concept_code);
CREATE INDEX term_text_key ON term (text_key);
CREATE INDEX term_concept ON term (concept_id);
CREATE VIRTUAL TABLE term_text USING fts5(
  text, content='term', content_rowid='row', tokenize='unicode61 remove_diacritics 2'
);
INSERT INTO term_text (term_text) VALUES ('rebuild');
INSERT INTO term_text (term_text) VALUES ('optimize');
ANALYZE;
`;
