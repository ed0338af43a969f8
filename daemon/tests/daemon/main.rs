//! Speaks the protocol to a real patchd, as hooks and clients do. Python is not needed here.

mod faults;
mod folder;
mod history;
mod linked;
mod planning;
mod rig;
