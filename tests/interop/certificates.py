"""What the runner puts into /certs: ca.pem, and cert.pem with priv.key for the server, any number of certificates below the
authority. A chain of several is made long: the amplification limit must matter.
"""
import os
import secrets
import subprocess

NAMES = "DNS:localhost,DNS:server,DNS:server4,DNS:server6,DNS:server46,IP:127.0.0.1,IP:::1"
AUTHORITY = "basicConstraints=critical,CA:TRUE\nkeyUsage=critical,keyCertSign,cRLSign\n"
LEAF = "basicConstraints=critical,CA:FALSE\nkeyUsage=critical,digitalSignature\nextendedKeyUsage=serverAuth\n"


def openssl(*words, stdin=""):
    subprocess.run(["openssl", *words], check=True, input=stdin.encode(), stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)


def make(folder, count, addresses):
    """addresses: further ones that the server's certificate names."""
    at = lambda name: os.path.join(folder, name)
    for number in range(count + 1):
        openssl("ecparam", "-name", "prime256v1", "-genkey", "-noout", "-out", at(f"{number}.key"))
        subject = ["-subj", f"/O=leat interop {number}"]
        if number == 0:
            openssl("req", "-x509", "-new", "-key", at("0.key"), "-sha256", "-days", "10", *subject, "-out", at("0.pem"),
                    "-addext", "basicConstraints=critical,CA:TRUE", "-addext", "keyUsage=critical,keyCertSign,cRLSign")
            continue
        extensions = AUTHORITY
        if number == count:
            padding = [f"DNS:{secrets.token_hex(31)}.{secrets.token_hex(31)}.{secrets.token_hex(31)}" for _ in range(20 * (count > 1))]
            extensions = LEAF + "subjectAltName=" + ",".join([NAMES, *("IP:" + one for one in addresses), *padding]) + "\n"
        openssl("req", "-new", "-key", at(f"{number}.key"), *subject, "-out", at("request.csr"))
        with open(at("extensions"), "w", encoding="ascii") as file:
            file.write(extensions)
        openssl("x509", "-req", "-in", at("request.csr"), "-CA", at(f"{number - 1}.pem"), "-CAkey", at(f"{number - 1}.key"),
                "-CAcreateserial", "-days", "10", "-sha256", "-extfile", at("extensions"), "-out", at(f"{number}.pem"))
    with open(at("cert.pem"), "w", encoding="ascii") as chain:
        for number in range(count, 0, -1):
            with open(at(f"{number}.pem"), encoding="ascii") as file:
                chain.write(file.read())
    os.rename(at("0.pem"), at("ca.pem"))
    os.rename(at(f"{count}.key"), at("priv.key"))
