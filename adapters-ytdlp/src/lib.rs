//! (under construction)

#![cfg_attr(not(test), expect(dead_code, reason = "the reader that uses it comes next"))]

mod captions;
mod file_name;
mod read;
mod walk;
