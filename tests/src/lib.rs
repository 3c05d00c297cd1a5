//! Rules about the workspace itself; see `architecture/`.
