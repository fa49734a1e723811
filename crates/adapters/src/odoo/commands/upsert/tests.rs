//! Tables: a document and what was seen, and what is needed next.
