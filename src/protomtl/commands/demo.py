"""Command `demo`: a page to type sentences into; needs the extra `demo`."""

import argparse
import importlib.util
import os
import sys
from pathlib import Path
from typing import Annotated

from pydantic import Field

from protomtl.core.paths import results
from protomtl.core.sections import argument
from protomtl.inference.hub import MODEL
from protomtl.inference.loading import exported
from protomtl.sources.hub_errors import HubError

EXAMPLES = """
  protomtl demo
  protomtl demo --model ~/models/prototypical --port 9000
  protomtl demo --model ORG/NAME"""
Port = Annotated[int, Field(ge=1, lt=2**16)]
PAGE = Path(__file__).parents[1] / "inference" / "demo_page.py"


def arguments(command: argparse.ArgumentParser) -> None:
    add = command.add_argument
    add("--model", default=str(results("export")), metavar="MODEL", help=f"{MODEL} (default: %(default)s)")
    add("--host", default="127.0.0.1", help="0.0.0.0 shows it to your network (default: this machine)")
    add("--port", type=argument(Port), default=8501, help="(default: %(default)s)")


def run(args: argparse.Namespace) -> None:
    """Become Streamlit's server of the page; exit with a message if the folder holds no export."""
    if importlib.util.find_spec("streamlit") is None:
        sys.exit("protomtl demo needs Streamlit: pip install 'protomtl[demo]'")
    try:
        folder, _ = exported(args.model)
    except (FileNotFoundError, HubError) as error:
        sys.exit(f"protomtl demo: {error}")
    options = {
        "server.address": args.host,
        "server.port": args.port,
        "server.headless": "true",
        "server.fileWatcherType": "none",
        "server.maxMessageSize": 5,  # MB
        "server.maxUploadSize": 1,  # MB; the page takes no files
        "browser.gatherUsageStats": "false",
        "client.toolbarMode": "minimal",
    }
    flags = [f"--{name}={value}" for name, value in options.items()]
    command = [sys.executable, "-m", "streamlit", "run", str(PAGE), *flags, "--", str(folder)]
    os.execv(sys.executable, command)  # the same process, so that a signal ends the server
