//! The matcher against dumber truths.

mod assign;
