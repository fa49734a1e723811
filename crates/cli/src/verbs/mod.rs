//! One file a verb.

pub(crate) mod check;
pub(crate) mod completion;
pub(crate) mod explain;
pub(crate) mod fmt;
pub(crate) mod status;
pub(crate) mod trace;
pub(crate) mod up;
