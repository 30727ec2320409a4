#!/usr/bin/env bash
# A test authority and a server certificate from it, and a browser's certificate database that trusts it: authority.sh HOME
set -eu
cd "$1"
openssl ecparam -name prime256v1 -genkey -noout -out authority.key
openssl req -x509 -new -key authority.key -sha256 -days 30 -subj "/CN=leat test authority" -out authority.pem \
    -addext "basicConstraints=critical,CA:TRUE" -addext "keyUsage=critical,keyCertSign,cRLSign"
openssl ecparam -name prime256v1 -genkey -noout -out server.key
openssl req -new -key server.key -subj "/CN=leat test server" -out server.csr
printf '%s\n' "subjectAltName=DNS:localhost,IP:127.0.0.1,IP:::1" "basicConstraints=critical,CA:FALSE" \
    "keyUsage=critical,digitalSignature" "extendedKeyUsage=serverAuth" >server.ext
openssl x509 -req -in server.csr -CA authority.pem -CAkey authority.key -CAcreateserial -days 20 -sha256 -extfile server.ext -out leaf.pem
cat leaf.pem authority.pem >server.pem
mkdir -p .pki/nssdb
certutil -N -d sql:.pki/nssdb --empty-password
certutil -A -d sql:.pki/nssdb -n "leat test authority" -t "C,," -i authority.pem
