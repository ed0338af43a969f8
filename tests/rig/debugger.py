"""A client of the Debug Adapter Protocol: requests, their responses, and the events that come between."""

from __future__ import annotations

import json
import socket
import time
from typing import Any

SECONDS = 30


class Debugger:
    """One connection to a debug adapter."""

    def __init__(self, port: int) -> None:
        """Connect, and attach."""
        self.socket = socket.create_connection(("127.0.0.1", port), SECONDS)
        self.stream = self.socket.makefile("rwb")
        self.number = 0
        self.unread: list[dict[str, Any]] = []
        self.ask("initialize", adapterID="tests", linesStartAt1=True, pathFormat="path")
        self.send("attach", justMyCode=False)
        self.event("initialized")

    def send(self, command: str, **arguments: Any) -> int:
        """Send a request, and return its number."""
        self.number += 1
        message = {"seq": self.number, "type": "request", "command": command, "arguments": arguments}
        data = json.dumps(message).encode()
        self.stream.write(b"Content-Length: %d\r\n\r\n" % len(data) + data)
        self.stream.flush()
        return self.number

    def receive(self) -> dict[str, Any]:
        """Read one message."""
        length = 0
        while (line := self.stream.readline().strip()) or not length:
            assert line, "the debug adapter went away"
            name, value = line.split(b":")
            if name.lower() == b"content-length":
                length = int(value)
        message: dict[str, Any] = json.loads(self.stream.read(length))
        return message

    def wait(self, **wanted: Any) -> dict[str, Any]:
        """Wait for a message with these fields; others are kept."""
        deadline = time.monotonic() + SECONDS
        while True:
            for message in self.unread:
                if all(message.get(key) == value for key, value in wanted.items()):
                    self.unread.remove(message)
                    return message
            assert time.monotonic() < deadline, f"no {wanted} among {self.unread}"
            self.unread.append(self.receive())

    def ask(self, command: str, **arguments: Any) -> Any:
        """Send a request, and return what its response holds."""
        number = self.send(command, **arguments)
        response = self.wait(type="response", request_seq=number)
        assert response["success"], response
        return response.get("body")

    def event(self, name: str) -> Any:
        """Wait for an event, and return what it holds."""
        return self.wait(type="event", event=name).get("body")

    def break_at(self, path: str, line: int) -> None:
        """Set a breakpoint."""
        found = self.ask("setBreakpoints", source={"path": path}, breakpoints=[{"line": line}])
        assert found["breakpoints"][0]["verified"], found

    def where(self) -> tuple[str, int, str]:
        """Wait for a stop at a breakpoint: function, line, and value of `amount`; then go on."""
        stopped = self.event("stopped")
        assert stopped["reason"] == "breakpoint", stopped
        frame = self.ask("stackTrace", threadId=stopped["threadId"])["stackFrames"][0]
        value = self.ask("evaluate", expression="amount", frameId=frame["id"], context="watch")["result"]
        self.ask("continue", threadId=stopped["threadId"])
        return frame["name"], frame["line"], value

    def close(self) -> None:
        """Leave the program alone."""
        self.ask("disconnect", terminateDebuggee=False)
        self.stream.close()
        self.socket.close()
