"""A certificate for 127.0.0.1, made for one run."""

import ssl
import subprocess


class Tls:
    """`server` is what the API listens with, `certificate` the file to trust."""

    def __init__(self, directory):
        self.certificate = directory / "certificate.pem"
        key = directory / "key.pem"
        subprocess.run(
            ["openssl", *"req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2"
             " -subj /CN=127.0.0.1 -addext subjectAltName=IP:127.0.0.1".split(),
             "-keyout", key, "-out", self.certificate], check=True, capture_output=True)
        self.server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.server.load_cert_chain(self.certificate, key)
