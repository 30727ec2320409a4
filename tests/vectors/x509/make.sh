#!/bin/sh
# Makes the certificates of this folder with the openssl command. They are committed: run this only to change them.
# All are valid for 100 years; the tests say what time it is.
set -eu
cd "$(dirname "$0")"

# key NAME ALGORITHM [openssl genpkey options]
key() {
    name=$1 algorithm=$2
    shift 2
    openssl genpkey -quiet -algorithm "$algorithm" "$@" -out "$name.key"
}

# certificate NAME ISSUER EXTENSIONS [openssl x509 options]; ISSUER may be NAME itself
certificate() {
    name=$1 issuer=$2 extensions=$3
    shift 3
    openssl req -new -key "$name.key" -subj "/CN=$name.example.com" -out request.tmp
    printf '%b\n' "$extensions" > extensions.tmp
    if [ "$name" = "$issuer" ]; then
        openssl x509 -req -in request.tmp -key "$name.key" -days 36500 -extfile extensions.tmp "$@" -out "$name.pem"
    else
        openssl x509 -req -in request.tmp -CA "$issuer.pem" -CAkey "$issuer.key" -days 36500 -extfile extensions.tmp "$@" \
            -out "$name.pem"
    fi 2> /dev/null
    rm -f request.tmp extensions.tmp
}

p256="EC -pkeyopt ec_paramgen_curve:P-256"
ca='basicConstraints=critical,CA:TRUE\nkeyUsage=critical,keyCertSign\nsubjectKeyIdentifier=hash'
leaf='basicConstraints=critical,CA:FALSE\nkeyUsage=critical,digitalSignature\nextendedKeyUsage=serverAuth'
names='subjectAltName=DNS:example.com,DNS:*.wild.example.com,DNS:f*.part.example.com,DNS:192.0.2.9,IP:192.0.2.1,IP:2001:db8::1'

key root $p256
certificate root root "$ca"
key other-root $p256
certificate other-root other-root "$ca"
key intermediate $p256
certificate intermediate root "$ca"
key server $p256
certificate server intermediate "$leaf\n$names"
key client $p256
certificate client intermediate "basicConstraints=critical,CA:FALSE\nkeyUsage=critical,digitalSignature\nextendedKeyUsage=clientAuth"
key below-server $p256
certificate below-server server "$leaf\n$names"
key no-signature $p256
certificate no-signature root "keyUsage=critical,keyAgreement\n$names"
key sha1 $p256
certificate sha1 root "$leaf\n$names" -sha1
key p384 EC -pkeyopt ec_paramgen_curve:P-384
certificate p384 root "$leaf\n$names"
key p521 EC -pkeyopt ec_paramgen_curve:P-521
certificate p521 root "$leaf\n$names"
key ed25519 ED25519
certificate ed25519 root "$leaf\n$names"
key rsa RSA -pkeyopt rsa_keygen_bits:2048
certificate rsa root "$leaf\n$names"
key rsa-pss RSA-PSS -pkeyopt rsa_keygen_bits:2048
certificate rsa-pss root "$leaf\n$names"
key rsa-1024 RSA -pkeyopt rsa_keygen_bits:1024
certificate rsa-1024 root "$leaf\n$names"
openssl pkcs8 -topk8 -in server.key -passout pass:secret -out server-encrypted.key
rm -f root.key other-root.key intermediate.key below-server.key no-signature.key sha1.key
