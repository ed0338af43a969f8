//! The language between the three programs: `patchd` (the daemon), `patchctl` (the client) and the
//! hook inside each Python process.
//!
//! One message is one line of JSON ([`framing`]), so a person can speak it with `nc -U`. Messages of the
//! hook stand in [`hook`], those of the client in [`client`]; both are carried by the same socket, whose
//! place is found by [`location`], which [`socket`] binds and reaches. States and reason codes ([`state`]) and the plan of a module ([`plan`],
//! [`edit`]) are defined here and nowhere else. This crate imports nothing of the other parts.

pub mod client;
pub mod digest;
pub mod edit;
pub mod framing;
pub mod hook;
pub mod index;
pub mod location;
pub mod look;
pub mod plan;
pub mod socket;
pub mod state;

/// Version of the protocol. A peer that announces another major version is told so and let go;
/// fields may be added at any time, and unknown fields are passed over.
pub const PROTOCOL: u32 = 1;
