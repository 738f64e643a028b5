-- Index builds that were published, newest last.
CREATE TABLE index_build (
  index_build_id text PRIMARY KEY,
  source_digest text NOT NULL,
  embedding_model text NOT NULL,
  concepts bigint NOT NULL,
  terms bigint NOT NULL,
  manifest jsonb NOT NULL,
  published_at timestamptz NOT NULL DEFAULT now()
);
