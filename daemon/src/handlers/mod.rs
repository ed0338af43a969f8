//! What clients ask for, one file for each request, named as the request and the client's command.

mod add;
mod audit;
mod check;
mod detach;
mod diff;
mod disable;
mod dispatch;
mod enable;
mod foresight;
mod handled;
mod history;
mod list;
mod look;
mod outcome;
mod processes;
mod remove;
mod show;
mod status;
mod stop;
mod switch;
mod trial;

pub use dispatch::handle;
