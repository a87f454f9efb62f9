"""Vehicles' signing keys under lock: AES-256-GCM under one key outside the database that only we can read."""

from __future__ import annotations

import os
import secrets
import stat
from pathlib import Path

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from core.ids import VehicleId
from missions.enrollment import WrappedKeys

KEY_FILE = "vehicle-keys.key"
KEY_BYTES = 32
_NONCE_BYTES = 12


class KeyRingError(Exception):
    """The keys cannot be used; the text says why and what to do, and never what a key is."""


class KeyRing:
    """Wraps and unwraps. A wrapped key opens for the vehicle that it was wrapped for and for no other."""

    def __init__(self, key: bytes, name: str) -> None:
        self._cipher = AESGCM(key)
        self._name = name

    def wrap(self, vehicle_id: VehicleId, key: bytes) -> bytes:
        """Nonce, cipher text and tag. NIST SP 800-38D: random nonces are good for 2**32 wrappings."""
        nonce = secrets.token_bytes(_NONCE_BYTES)
        return nonce + self._cipher.encrypt(nonce, key, vehicle_id.encode())

    def unwrap(self, vehicle_id: VehicleId, wrapped: bytes) -> bytes:
        """Raises KeyRingError when it was wrapped under another key or for another vehicle, or was changed."""
        try:
            return self._cipher.decrypt(wrapped[:_NONCE_BYTES], wrapped[_NONCE_BYTES:], vehicle_id.encode())
        except (InvalidTag, ValueError) as error:
            raise KeyRingError(
                f"The signing key of {vehicle_id!r} does not open with {self._name}: was that file replaced? "
                "Put the old one back and restart, or give the vehicle a new key over USB: "
                f"bailu vehicle rotate-key {vehicle_id} --lost --line serial:DEVICE:115200"
            ) from error

    def open(self, vehicle_id: VehicleId, keys: WrappedKeys) -> tuple[bytes | None, bytes | None]:
        """The current key and the one to come."""
        current, following = (each and self.unwrap(vehicle_id, each) for each in (keys.current, keys.next))
        return current, following


def open_ring(data_dir: Path, key_file: Path | None = None) -> KeyRing:
    """The ring under the key in `key_file`, or in the data folder, where it is made at first. Raises KeyRingError."""
    path = key_file or data_dir / KEY_FILE
    if key_file is None and not path.exists():
        _make(path)
    try:
        key = path.read_bytes()
        mode = stat.S_IMODE(path.stat().st_mode)
    except OSError as error:
        raise KeyRingError(
            f"The key file {path} cannot be read: {error.strerror}. Put it back. If it is lost, make another one "
            f"(umask 077; head -c {KEY_BYTES} /dev/urandom > {path}) and give each vehicle that signs a new key over "
            "USB: bailu vehicle rotate-key VEHICLE --lost --line serial:DEVICE:115200"
        ) from error
    if mode & 0o077:
        raise KeyRingError(f"The key file {path} can be read by others: chmod 600 it.")
    if len(key) != KEY_BYTES:
        raise KeyRingError(f"The key file {path} has {len(key)} bytes; a key has {KEY_BYTES}.")
    return KeyRing(key, str(path))


def _make(path: Path) -> None:
    """A fresh key, on the disk before anything is wrapped under it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    beside = path.with_name(f"{path.name}.{secrets.token_hex(4)}")
    with os.fdopen(os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.write(secrets.token_bytes(KEY_BYTES))
        file.flush()
        os.fsync(file.fileno())
    try:
        os.link(beside, path)  # unlike a rename, it leaves the key of somebody who was faster
    except FileExistsError:
        pass
    finally:
        beside.unlink()
    folder = os.open(path.parent, os.O_RDONLY)
    os.fsync(folder)
    os.close(folder)
