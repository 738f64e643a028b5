/** One row of OMOP's CONCEPT table. Ids are safe integers (local ids start at 2,000,000,000). Dates are `YYYY-MM-DD`. */
export interface Concept {
  readonly concept_id: number;
  readonly concept_name: string;
  readonly domain_id: string;
  readonly vocabulary_id: string;
  readonly concept_class_id: string;
  /** `S` standard, `C` classification, null a source concept. */
  readonly standard_concept: 'S' | 'C' | null;
  readonly concept_code: string;
  readonly valid_start_date: string;
  readonly valid_end_date: string;
  /** `D` deleted, `U` upgraded (follow `Concept replaced by`), null valid. */
  readonly invalid_reason: 'D' | 'U' | null;
}

export interface ConceptSynonym {
  readonly concept_id: number;
  readonly concept_synonym_name: string;
  readonly language_concept_id: number;
}

export interface ConceptRelationship {
  readonly concept_id_1: number;
  readonly concept_id_2: number;
  readonly relationship_id: string;
  readonly valid_start_date: string;
  readonly valid_end_date: string;
  readonly invalid_reason: 'D' | 'U' | null;
}

export interface ConceptAncestor {
  readonly ancestor_concept_id: number;
  readonly descendant_concept_id: number;
  readonly min_levels_of_separation: number;
  readonly max_levels_of_separation: number;
}
