//! What tokens and passwords cost, beside the bare cryptography under them.
//!
//! There is nothing here but the benchmarks: `README.md` says how to run and to read them.
