"""Makes what the services of compose.yaml share: certificate, token, key of the customer hash, and
the sample tickets unpacked. What is there is kept, so that a second start disturbs nobody; to have
all of it new, remove the volumes (`docker compose down --volumes`).

Usage: setup.py OUT SAMPLE
"""

import hashlib
import os
import secrets
import shutil
import subprocess
import sys
from pathlib import Path

# The users of the images, by number: what belongs to one is for no other.
QUELL = 65532
PROMETHEUS = 65534
WORKERS = ("worker-1", "worker-2")


def hand_over(path: Path, user: int, mode: int = 0o400) -> None:
    os.chown(path, user, user)
    path.chmod(mode)


def certificate(cert: Path, key: Path) -> None:
    """Signed by itself: whoever checks it is given this very certificate."""
    names = ",".join(f"DNS:{name}" for name in (*WORKERS, "localhost"))
    subprocess.run(
        ["openssl", "req", "-x509", "-nodes", "-days", "365", "-subj", "/CN=quell"]
        + ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256"]
        + ["-addext", f"subjectAltName={names},IP:127.0.0.1"]
        + ["-keyout", str(key), "-out", str(cert)],
        check=True,
    )


def token(name: str, scope: str) -> tuple[str, str]:
    """A token and its entry in the tokens file, as `quell token new` makes them (docs/http.md):
    that command shows the token on its output alone, and only a shell could write it to a file."""
    shown = f"qk_{name}_{secrets.token_urlsafe(32)}"
    digest = hashlib.sha256(shown.encode()).hexdigest()
    return shown, f'[[token]]\nname = "{name}"\nsha256 = "{digest}"\nscopes = ["{scope}"]\n'


def protect(out: Path) -> None:
    quell, scrape = out / "quell", out / "scrape"
    # Written last, so a start that was broken off is done anew.
    if (done := scrape / "token").exists():
        return
    certificate(quell / "cert.pem", quell / "key.pem")
    shown, entry = token("prometheus", "read")
    (quell / "tokens.toml").write_text(entry)
    for name in ("cert.pem", "key.pem", "tokens.toml"):
        hand_over(quell / name, QUELL)
    shutil.copy(quell / "cert.pem", scrape / "cert.pem")
    hand_over(scrape / "cert.pem", PROMETHEUS)
    done.write_text(shown)
    hand_over(done, PROMETHEUS)


def customer_key(out: Path) -> None:
    """One key for all workers: a customer must have the same hash wherever his partition goes."""
    paths = [out / worker / "customer-hash.key" for worker in WORKERS]
    kept = {path.read_bytes() for path in paths if path.exists()} or {secrets.token_bytes(32)}
    if len(kept) > 1:
        sys.exit("the workers have different keys: docker compose down --volumes")
    for path in paths:
        hand_over(path.parent, QUELL, 0o700)
        if not path.exists():
            path.write_bytes(*kept)
            hand_over(path, QUELL)


def tickets(out: Path, sample: Path) -> None:
    from compression import zstd

    path = out / "tickets" / "tickets.ndjson"
    with zstd.open(sample) as packed, path.open("wb") as unpacked:
        shutil.copyfileobj(packed, unpacked)
    path.chmod(0o444)
    path.parent.chmod(0o755)


def main() -> None:
    out, sample = (Path(argument) for argument in sys.argv[1:])
    protect(out)
    customer_key(out)
    tickets(out, sample)


if __name__ == "__main__":
    main()
