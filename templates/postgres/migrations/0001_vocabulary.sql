-- Vocabulary tables of the OMOP common data model. Every load is a build of its own, a partition of each table;
-- readers join vocabulary_build on the one that is published.
CREATE TABLE vocabulary_build (
  build_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  status text NOT NULL CHECK (status IN ('loading', 'published', 'retired')),
  source_label text NOT NULL,
  source_digest text NOT NULL,
  source_version text,
  selected text[] NOT NULL,
  started_at timestamptz NOT NULL DEFAULT now(),
  published_at timestamptz,
  concepts bigint,
  synonyms bigint,
  relationships bigint,
  ancestors bigint
);
CREATE UNIQUE INDEX vocabulary_build_published ON vocabulary_build ((true)) WHERE status = 'published';

CREATE TABLE concept (
  build_id bigint NOT NULL,
  concept_id bigint NOT NULL,
  concept_name text NOT NULL,
  domain_id text NOT NULL,
  vocabulary_id text NOT NULL,
  concept_class_id text NOT NULL,
  standard_concept text,
  concept_code text NOT NULL,
  valid_start_date date NOT NULL,
  valid_end_date date NOT NULL,
  invalid_reason text
) PARTITION BY LIST (build_id);

CREATE TABLE concept_synonym (
  build_id bigint NOT NULL,
  concept_id bigint NOT NULL,
  concept_synonym_name text NOT NULL,
  language_concept_id bigint NOT NULL
) PARTITION BY LIST (build_id);

CREATE TABLE concept_relationship (
  build_id bigint NOT NULL,
  concept_id_1 bigint NOT NULL,
  concept_id_2 bigint NOT NULL,
  relationship_id text NOT NULL,
  valid_start_date date NOT NULL,
  valid_end_date date NOT NULL,
  invalid_reason text
) PARTITION BY LIST (build_id);

CREATE TABLE concept_ancestor (
  build_id bigint NOT NULL,
  ancestor_concept_id bigint NOT NULL,
  descendant_concept_id bigint NOT NULL,
  min_levels_of_separation integer NOT NULL,
  max_levels_of_separation integer NOT NULL
) PARTITION BY LIST (build_id);
