//! Tests of the ingest node against dumber truths.
