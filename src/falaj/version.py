"""The version of Falaj, which the build reads from here."""

VERSION = "0.1.0"
