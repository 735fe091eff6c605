"""A Django site with four ways to take Latchkey's tokens, each under a path of its own."""

import os

ISSUER = os.environ.get("ISSUER", "http://127.0.0.1:3000")
SECRET_KEY = "not a secret: this site lives for a test"
ALLOWED_HOSTS = ["*"]
ROOT_URLCONF = "site_urls"
DEFAULT_AUTO_FIELD = "django.db.models.AutoField"
USE_TZ = True
INSTALLED_APPS = ["django.contrib.auth", "django.contrib.contenttypes"]
DATABASES = {"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": os.environ["DATABASE"]}}
PASSWORD_HASHERS = [
    "django.contrib.auth.hashers." + name
    for name in (
        "PBKDF2PasswordHasher",
        "PBKDF2SHA1PasswordHasher",
        "Argon2PasswordHasher",
        "BCryptSHA256PasswordHasher",
        "BCryptPasswordHasher",
    )
]

# What the page shows for this site, read from it: see extract.py.
exec(open(os.environ["SNIPPETS"] + "/settings.py").read())
