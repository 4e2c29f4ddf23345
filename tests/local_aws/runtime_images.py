"""Images for the runtime tests: one small static program that does as it is told, in layers made here."""

from __future__ import annotations

import gzip
import hashlib
import io
import os
import subprocess
import tarfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from local_aws.interfaces import Image

PROGRAM = r"""
package main

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/signal"
	"strconv"
	"strings"
	"syscall"
	"time"
)

func check(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func main() {
	if len(os.Args) < 2 {
		os.Exit(0)
	}
	rest := os.Args[2:]
	switch os.Args[1] {
	case "serve": // answer with our host name; SIGTERM ends us with 7
		ended := make(chan os.Signal, 1)
		signal.Notify(ended, syscall.SIGTERM)
		go func() { <-ended; fmt.Println("bye"); os.Exit(7) }()
		port := os.Getenv("PORT")
		if port == "" {
			port = "8080"
		}
		host, err := os.Hostname()
		check(err)
		http.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) { fmt.Fprint(w, host) })
		fmt.Println("listening")
		check(http.ListenAndServe(":"+port, nil))
	case "deaf": // SIGTERM means nothing to us
		signal.Ignore(syscall.SIGTERM)
		fmt.Println("deaf")
		time.Sleep(time.Hour)
	case "exit":
		code, err := strconv.Atoi(rest[0])
		check(err)
		os.Exit(code)
	case "eat": // memory without end
		var kept [][]byte
		for {
			piece := make([]byte, 1<<20)
			for i := range piece {
				piece[i] = 1
			}
			kept = append(kept, piece)
			time.Sleep(time.Millisecond)
		}
	case "sleep":
		time.Sleep(time.Hour)
	case "say":
		fmt.Println(strings.Join(rest, " "))
		fmt.Fprintln(os.Stderr, "and on stderr")
	case "env":
		fmt.Println(os.Getenv(rest[0]))
	case "about":
		directory, err := os.Getwd()
		check(err)
		groups, err := os.Getgroups()
		check(err)
		var limit syscall.Rlimit
		check(syscall.Getrlimit(syscall.RLIMIT_NOFILE, &limit))
		interfaces, err := net.Interfaces()
		check(err)
		names := ""
		for _, one := range interfaces {
			if one.Flags&net.FlagUp != 0 {
				names += one.Name
			}
		}
		status, err := os.ReadFile("/proc/self/status")
		check(err)
		privileges := ""
		for _, line := range strings.Split(string(status), "\n") {
			if strings.HasPrefix(line, "NoNewPrivs") || strings.HasPrefix(line, "CapBnd") {
				privileges += strings.ReplaceAll(line, "\t", "") + " "
			}
		}
		fmt.Println("uid", os.Getuid(), "gid", os.Getgid(), "groups", groups, "pid", os.Getpid(), "cwd", directory)
		fmt.Println("nofile", limit.Cur, limit.Max, "up", names, privileges)
		files, err := os.ReadDir("/proc")
		check(err)
		for _, file := range files {
			if _, err := strconv.Atoi(file.Name()); err == nil {
				fmt.Println("process", file.Name())
			}
		}
	case "write":
		check(os.WriteFile(rest[0], []byte("x"), 0o644))
	case "cat":
		for _, name := range rest {
			data, err := os.ReadFile(name)
			check(err)
			fmt.Print(string(data))
		}
	case "list":
		files, err := os.ReadDir(rest[0])
		check(err)
		for _, file := range files {
			fmt.Println(file.Name())
		}
	case "get", "getenv": // an address, or the one in a variable with more after it
		address := rest[0]
		if os.Args[1] == "getenv" {
			address = os.Getenv(rest[0]) + rest[1]
		}
		client := http.Client{Timeout: 5 * time.Second}
		answer, err := client.Get(address)
		check(err)
		defer answer.Body.Close()
		body, err := io.ReadAll(answer.Body)
		check(err)
		fmt.Println(answer.StatusCode, string(body))
		if answer.StatusCode >= 400 {
			os.Exit(1)
		}
	}
}
"""

PASSWD = "root:x:0:0:root:/root:/bin/sh\nnonroot:x:65532:65532::/home/nonroot:/sbin/nologin\n"
GROUP = "root:x:0:\nnonroot:x:65532:\nextra:x:4242:nonroot\n"


def build_program(directory: Path) -> Path:
    """Compile the program, static, for this machine."""
    (directory / "main.go").write_text(PROGRAM)
    (directory / "go.mod").write_text("module program\n\ngo 1.21\n")
    built = directory / "program"
    environment = {**os.environ, "CGO_ENABLED": "0", "GOFLAGS": "-mod=mod", "GOTOOLCHAIN": "local"}
    done = subprocess.run(
        ["go", "build", "-trimpath", "-o", str(built), "."], cwd=directory, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return built


def layer(directory: Path, files: Mapping[str, bytes | None], executable: Sequence[str] = ()) -> tuple[Path, str]:
    """A gzip layer of these files; None makes a directory. Returns its blob and its diff_id."""
    raw = io.BytesIO()
    with tarfile.open(fileobj=raw, mode="w") as archive:
        for name, content in files.items():
            entry = tarfile.TarInfo(name)
            if content is None:
                entry.type, entry.mode = tarfile.DIRTYPE, 0o755
                archive.addfile(entry)
            else:
                entry.size, entry.mode = len(content), 0o755 if name in executable else 0o644
                archive.addfile(entry, io.BytesIO(content))
    plain = raw.getvalue()
    data = gzip.compress(plain, 1)
    path = directory / hashlib.sha256(data).hexdigest()
    path.write_bytes(data)
    return path, f"sha256:{hashlib.sha256(plain).hexdigest()}"


def image(*layers: tuple[Path, str], **config: Any) -> Image:
    document = {"architecture": "amd64", "os": "linux", "config": config, "rootfs": {"type": "layers", "diff_ids": [d for _, d in layers]}}
    digest = "sha256:" + hashlib.sha256(repr(document).encode()).hexdigest()
    kind = "application/vnd.oci.image.layer.v1.tar+gzip"
    return Image("tests/program", digest, "linux/amd64", document, tuple(path for path, _ in layers), (kind,) * len(layers))


def program_image(directory: Path, program: Path, **config: Any) -> Image:
    files: dict[str, bytes | None] = {
        "app": program.read_bytes(),
        "bin/named": program.read_bytes(),
        "etc/passwd": PASSWD.encode(),
        "etc/group": GROUP.encode(),
        "text": b"no program",
        "broken": b"\x7fELF but not really",
    }
    return image(layer(directory, files, executable=("app", "bin/named", "broken")), **{"Entrypoint": ["/app"], **config})
