"""Drives a Jupyter kernel: runs in it each line of its own input, and prints one line of output for each."""

import sys

from jupyter_client.manager import start_new_kernel


def run(client, line):
    """Give what the kernel's code printed, or the exception's message."""
    printed = []
    client.execute_interactive(line, output_hook=lambda message: printed.append(message["content"]))
    return "".join(content.get("text") or content.get("evalue") or "" for content in printed).strip()


def main():
    """Answer until the input ends; then stop the kernel."""
    manager, client = start_new_kernel(kernel_name="python3")
    for line in sys.stdin:
        print(run(client, line), flush=True)
    client.stop_channels()
    manager.shutdown_kernel()


main()
