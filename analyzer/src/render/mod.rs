//! The last stage: what was found, as pictures and text models. Plain data in, a `String` out; nothing is printed here.

pub mod timeline;
