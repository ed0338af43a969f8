//! A line on the socket, taken for each kind of message: what is understood is written and read back the same.

#![no_main]

use libfuzzer_sys::fuzz_target;
use patchctl_protocol::client::{Reply, Request};
use patchctl_protocol::framing::{read, to_line};
use patchctl_protocol::hook::{FromHook, ToHook};
use serde::{Serialize, de::DeserializeOwned};

fuzz_target!(|bytes: &[u8]| {
    there_and_back::<Request>(bytes);
    there_and_back::<Reply>(bytes);
    there_and_back::<FromHook>(bytes);
    there_and_back::<ToHook>(bytes);
});

fn there_and_back<M: Serialize + DeserializeOwned>(mut bytes: &[u8]) {
    let Ok(message) = read::<_, M>(&mut bytes) else { return };
    let line = to_line(&message).expect("a message that was read can be written");
    let again: M = read(&mut line.as_slice()).expect("a message that was written can be read");
    assert_eq!(to_line(&again).ok(), Some(line));
}
