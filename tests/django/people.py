"""The people of a Django site: their names, passwords and hashes, and what the import has to make of each.

Every person has a password of their own, made of the primary key: whoever logs in as somebody else is found out.
"""

import hashlib
from base64 import b64encode

IN, SAME_NAME, INVISIBLE, TOO_LONG, NO_PASSWORD, TOO_WEAK = (
    "in",
    "one name for several rows",
    "name with an invisible character",
    "name too long",
    "no password",
    "password hash too weak",
)


def password_of(pk):
    return f"correct horse {pk} \u00e9"


def pbkdf2(pk, digest="sha256", iterations=1000):
    output = hashlib.pbkdf2_hmac(digest, password_of(pk).encode(), b"saltsaltsalt", iterations)
    return f"pbkdf2_{digest}${iterations}$saltsaltsalt${b64encode(output).decode()}"


def django(algorithm):
    def encode(pk):
        from django.contrib.auth.hashers import make_password

        return make_password(password_of(pk), hasher=algorithm)

    return encode


def unusable(_pk):
    return "!VY3fVh12gq3fERf5deezXJEJwAOhNwz1usTJIrGr"


def sha1(pk):
    return "sha1$salt$" + hashlib.sha1(("salt" + password_of(pk)).encode()).hexdigest()


# name, hash, fields that are not the usual ones, what becomes of the row
PEOPLE = [
    ("admin", pbkdf2, {"is_superuser": True, "is_staff": True}, IN),
    ("bob", django("pbkdf2_sha256"), {}, IN),
    ("carol", django("argon2"), {}, IN),
    ("dave", django("bcrypt_sha256"), {}, IN),
    ("erin", django("bcrypt"), {}, IN),
    ("frank", lambda pk: pbkdf2(pk, "sha1"), {}, IN),
    # Two people each, whom Django tells apart.
    ("root", unusable, {"is_superuser": True, "is_staff": True}, SAME_NAME),
    ("Root", pbkdf2, {}, SAME_NAME),
    ("Ada", pbkdf2, {}, SAME_NAME),
    ("ada", pbkdf2, {"is_staff": True}, SAME_NAME),
    ("Stra\u00dfe", pbkdf2, {}, SAME_NAME),
    ("strasse", pbkdf2, {}, SAME_NAME),
    ("\ufb01sh", pbkdf2, {}, SAME_NAME),
    ("fish", pbkdf2, {"is_active": False}, SAME_NAME),
    ("\uff42\uff45\uff54", pbkdf2, {}, SAME_NAME),
    ("bet", sha1, {}, SAME_NAME),
    ("anna  maria", pbkdf2, {}, SAME_NAME),
    ("anna maria", pbkdf2, {}, SAME_NAME),
    ("jose\u0301", pbkdf2, {}, SAME_NAME),
    ("jos\u00e9", pbkdf2, {}, SAME_NAME),
    ("\u212aelvin", pbkdf2, {}, SAME_NAME),
    ("kelvin", pbkdf2, {}, SAME_NAME),
    # Names that come back in another form, of one person each.
    ("Grace", pbkdf2, {}, IN),
    ("HEIDI.Klum", pbkdf2, {}, IN),
    ("\u0130stanbul", pbkdf2, {}, IN),
    ("\u03a3\u03af\u03c3\u03c5\u03c6\u03bf\u03c2", pbkdf2, {}, IN),
    ("Ivan@Example.ORG", pbkdf2, {}, IN),
    ("\u0149a", pbkdf2, {}, IN),
    ("e\u0301mile", pbkdf2, {}, IN),
    ("\u01c4ena", pbkdf2, {}, IN),
    ("Wei\u1e9e", pbkdf2, {}, IN),
    ("\uff2d\uff29\uff2b\uff2f", pbkdf2, {}, IN),
    # Legal names of every kind.
    ("ivan+test@example.com", pbkdf2, {}, IN),
    ("judy ann", pbkdf2, {}, IN),
    ("\u0131\u015f\u0131k", pbkdf2, {}, IN),
    ("\U0001f980crab", pbkdf2, {}, IN),
    ("\u05d3\u05d5\u05d3", pbkdf2, {}, IN),
    ("\u0646\u0627\u0645\u200c\u0647\u0627", pbkdf2, {}, IN),
    ("\u0915\u094d\u200d\u0937", pbkdf2, {}, IN),
    ("\u5c71\u7530\u592a\u90ce", pbkdf2, {}, IN),
    ("quote\"'\\back", pbkdf2, {}, IN),
    ("../../etc/passwd", pbkdf2, {}, IN),
    ("%00percent", pbkdf2, {}, IN),
    ("<script>", pbkdf2, {}, IN),
    ("42", pbkdf2, {}, IN),
    ("null", pbkdf2, {}, IN),
    ("-dash", pbkdf2, {}, IN),
    ("user#hash", pbkdf2, {}, IN),
    ("x" * 150, pbkdf2, {}, IN),
    ("\u5c71" * 150, pbkdf2, {}, IN),
    # People who cannot come as they are.
    ("soft\u00adhyphen", pbkdf2, {}, INVISIBLE),
    ("tab\there", pbkdf2, {}, INVISIBLE),
    ("\U0001f980" * 129, pbkdf2, {}, TOO_LONG),
    ("single-sign-on", unusable, {}, NO_PASSWORD),
    ("service", lambda _pk: "", {}, NO_PASSWORD),
    ("old", sha1, {}, TOO_WEAK),
    # Fields of every kind.
    ("inactive", pbkdf2, {"is_active": False}, IN),
    ("ancient", pbkdf2, {"date_joined": "0001-01-01T00:00:00+00:00"}, IN),
    ("sixties", pbkdf2, {"date_joined": "1969-12-31T23:59:59+00:00"}, IN),
    ("staff", pbkdf2, {"is_staff": True, "email": "staff@example.com"}, IN),
    ("nameless", pbkdf2, {"first_name": "\u00c4", "last_name": ""}, IN),
]

# Who gets which name after somebody has looked: the pairs in order.
NAMES = {
    "root": None,
    "Root": "root.second",
    "Ada": "ada.one",
    "ada": "ada",
    "Stra\u00dfe": "strasse.one",
    "strasse": "strasse",
    "\ufb01sh": "fish.one",
    "fish": "fish",
    "\uff42\uff45\uff54": "bet",
    "bet": None,
    "anna  maria": "anna maria",
    "anna maria": "anna.maria",
    "jose\u0301": "jose.one",
    "jos\u00e9": "jos\u00e9",
    "\u212aelvin": "kelvin.one",
    "kelvin": "kelvin",
    "soft\u00adhyphen": "softhyphen",
    "tab\there": "tabhere",
    "\U0001f980" * 129: "crab.crab",
}


def numbered():
    """Each person with the primary key: no two lists of people have the same numbers."""
    return [(100 + 7 * index, *person) for index, person in enumerate(PEOPLE)]
