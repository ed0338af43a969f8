//! The socket: accepts connections, finds out who speaks, and carries messages between them and the
//! handlers. What the messages mean is not decided here.

mod connection;
mod directory;
mod lines;
mod link;
mod listen;
mod questions;
mod reported;

pub use connection::Client;
pub use directory::{Link, Links};
pub use listen::listen;
pub use reported::Reported;
