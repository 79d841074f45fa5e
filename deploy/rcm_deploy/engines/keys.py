"""The key pair that signs this system's own tokens; production uses an OpenID provider instead."""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from rcm_deploy.engines.home import Home, write_whole


@dataclass(frozen=True, slots=True)
class Keys:
    """Where the pair is: `private` a JWK only its owner reads, `public` the JWKS that services check with."""

    private: Path
    public: Path

    def token(self, subject: str, roles: Sequence[str], facilities: Sequence[str] = ("*",)) -> str:
        """Return a short-lived bearer token for a person or service of this system."""
        from rcm_shared.auth import TokenIssuer

        return TokenIssuer(self.private).token(subject, tuple(roles), tuple(facilities))


def keys_of(home: Home) -> Keys:
    """Return where the keys of a system are, whether they exist or not."""
    return Keys(home.keys / "private.jwk.json", home.keys / "public.jwks.json")


def ensure_keys(home: Home) -> Keys:
    """Return the key pair of a home, made now if it has none."""
    keys = keys_of(home)
    if not (keys.private.exists() and keys.public.exists()):
        private, public = generate()
        write_whole(keys.private, private, mode=0o600)
        write_whole(keys.public, public)
    return keys


def generate() -> tuple[str, str]:
    """Return a new ES256 pair as (private JWK, public JWKS), both JSON."""
    from joserfc.jwk import ECKey

    key = ECKey.generate_key("P-256", private=True)
    public = key.as_dict(private=False)
    material = json.dumps({name: public[name] for name in ("crv", "kty", "x", "y")}, sort_keys=True)
    marks = {"use": "sig", "alg": "ES256", "kid": hashlib.sha256(material.encode()).hexdigest()[:16]}
    private_jwk = json.dumps(key.as_dict(private=True) | marks)
    return private_jwk + "\n", json.dumps({"keys": [public | marks]}) + "\n"
