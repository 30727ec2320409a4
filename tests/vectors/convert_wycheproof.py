#!/usr/bin/env python3
"""Turns Wycheproof's JSON into lines that tests/crypto/wycheproof.c reads as a stream.

usage: convert_wycheproof.py FOLDER_OF_JSON OUTPUT_FOLDER

    # where the file comes from
    tests 210                             how many test lines follow
    group 3059...                         a value shared by the tests after it (a public key), where there is one
    17 valid 00ff.. - 8899..              tcId, result, then the fields named in the comment above; - is empty

Tests that leat's interface cannot express (other nonce, tag and seed sizes, 192-bit keys) are left out and not counted.
"""
import json
import pathlib
import sys


def fits_aead(group, _):
    return group["ivSize"] == 96 and group["tagSize"] == 128 and group["keySize"] in (128, 256)


def has_whole_seed(_, test):
    return len(test["seed"]) == 2 * 64


AEAD = {"fields": "key iv aad msg ct tag", "applies": fits_aead}
ECDH = {"fields": "private public shared"}
VERIFY = {"fields": "msg sig", "group": "publicKeyDer"}
HKDF = {"fields": "ikm salt info size okm"}
HMAC = {"fields": "key msg tag"}

FILES = {
    "aes_gcm_test": AEAD,
    "chacha20_poly1305_test": AEAD,
    "x25519_test": ECDH,
    "ecdh_secp256r1_ecpoint_test": ECDH,
    "ecdh_secp384r1_ecpoint_test": ECDH,
    "ecdsa_secp256r1_sha256_test": VERIFY,
    "ecdsa_secp384r1_sha384_test": VERIFY,
    "ed25519_test": VERIFY,
    "rsa_pss_2048_sha256_mgf1_32_test": VERIFY,
    "rsa_pss_2048_sha384_mgf1_48_test": VERIFY,
    "rsa_pss_3072_sha256_mgf1_32_test": VERIFY,
    "rsa_pss_4096_sha512_mgf1_64_test": VERIFY,
    "rsa_signature_2048_sha256_test": VERIFY,
    "rsa_signature_3072_sha384_test": VERIFY,
    "hkdf_sha256_test": HKDF,
    "hkdf_sha384_test": HKDF,
    "hmac_sha256_test": HMAC,
    "hmac_sha384_test": HMAC,
    "mlkem_768_encaps_test": {"fields": "ek"},
    "mlkem_768_test": {"fields": "seed c K", "applies": has_whole_seed},
}


def text_of(value):
    if isinstance(value, int):
        return "%x" % value if len("%x" % value) % 2 == 0 else "0%x" % value
    return value or "-"


def convert(source, row):
    document = json.loads(source.read_text())
    lines, tests = [], 0
    for group in document["testGroups"]:
        applicable = [test for test in group["tests"] if row.get("applies", lambda *_: True)(group, test)]
        if "group" in row and applicable:
            lines.append("group " + group[row["group"]])
        for test in applicable:
            values = [text_of(test[name]) for name in row["fields"].split()]
            lines.append(" ".join([str(test["tcId"]), test["result"]] + values))
            tests += 1
    head = ["# %s of C2SP/wycheproof; fields: %s" % (source.name, row["fields"]), "tests %d" % tests]
    print("%-36s %4d of %4d" % (source.stem, tests, document["numberOfTests"]))
    return "\n".join(head + lines) + "\n"


def main():
    source, target = map(pathlib.Path, sys.argv[1:])
    for name, row in FILES.items():
        (target / (name + ".txt")).write_text(convert(source / (name + ".json"), row))


main()
