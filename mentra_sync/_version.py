"""The version of this package, in one place: packaging and the user agent read it here."""

VERSION = "0.1.0"
