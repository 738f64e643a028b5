import { z } from 'zod';

/** Shapes of the API, once: requests are checked against them, answers written by them, OpenAPI made from them. */
const names = z.array(z.string().min(1).max(64)).max(64).optional();

export const searchQuery = z
  .object({
    q: z.string().min(1).max(1000).describe('Text or code to look for.'),
    vocabulary_id: names.describe('Only these vocabularies; repeatable.'),
    exclude_vocabulary_id: names.describe('Not these vocabularies; repeatable.'),
    domain_id: names.describe('Only these domains; repeatable.'),
    concept_class_id: names.describe('Only these concept classes; repeatable.'),
    standard_concept: z
      .array(z.enum(['S', 'C', 'none']))
      .max(3)
      .optional()
      .describe('S standard, C classification, none source concepts; repeatable.'),
    valid: z
      .boolean()
      .optional()
      .describe('true: only valid concepts; false: only deleted or upgraded ones.'),
    limit: z.int().min(1).max(150).default(20).describe('How many concepts to return.'),
  })
  .strict();

const concept = z.object({
  concept_id: z.int(),
  concept_name: z.string(),
  domain_id: z.string(),
  vocabulary_id: z.string(),
  concept_class_id: z.string(),
  standard_concept: z.enum(['S', 'C']).nullable(),
  concept_code: z.string(),
  valid_start_date: z.string(),
  valid_end_date: z.string(),
  invalid_reason: z.enum(['D', 'U']).nullable(),
});

const arm = z.enum(['code', 'exact', 'lexical', 'dense']);

export const searchAnswer = z.object({
  build: z.string().describe('Id of the index build that answered.'),
  embedding: z.object({ provider: z.string(), model: z.string() }),
  arms: z.array(arm).describe('Arms that answered.'),
  took_ms: z.number(),
  hits: z.array(
    concept.extend({
      matched_text: z.string(),
      match: z.enum(['code', 'name', 'synonym', 'vector']),
      ranks: z.object({
        code: z.int().optional(),
        exact: z.int().optional(),
        lexical: z.int().optional(),
        dense: z.int().optional(),
      }),
      score: z.number(),
    }),
  ),
});

export const conceptAnswer = z.object({
  build: z.string(),
  concept,
  synonyms: z.array(z.string()),
  maps_to: z.array(concept.extend({ relationship_id: z.string() })),
  ancestors: z.array(
    concept.extend({ min_levels_of_separation: z.int(), max_levels_of_separation: z.int() }),
  ),
});

export const health = z.object({ status: z.string(), version: z.string(), timestamp: z.string() });

export const readiness = z.object({
  status: z.enum(['ok', 'degraded', 'down']),
  version: z.string(),
  timestamp: z.string(),
  build: z.string().nullable(),
  vocabulary_stamp: z
    .string()
    .nullable()
    .describe('Sizes and times of the files of the vocabulary that the build was made of.'),
  components: z.array(
    z.object({
      name: z.string(),
      state: z.enum(['ok', 'degraded', 'down']),
      latency_ms: z.number(),
      detail: z.string().optional(),
    }),
  ),
});

export type Readiness = z.infer<typeof readiness>;

export const problem = z.object({
  type: z.string(),
  title: z.string(),
  status: z.int(),
  code: z.string(),
  detail: z.string(),
  request_id: z.string(),
});

/** A schema as JSON Schema for the server and for OpenAPI; `input` is what a client may send. */
export function jsonSchema(schema: z.ZodType, io: 'input' | 'output' = 'output'): Record<string, unknown> {
  const { $schema: _ignored, ...rest } = z.toJSONSchema(schema, { io, target: 'draft-7' }) as Record<
    string,
    unknown
  >;
  return rest;
}
