"""The files by which sentence-transformers reads an exported model."""

from pathlib import Path

from safetensors.torch import save_file

from protomtl.core.files import write_json
from protomtl.model.multitask import MultiTaskModel


def write_sentence_transformer(model: MultiTaskModel, max_length: int, folder: Path) -> None:
    """The files by which sentence-transformers encodes as we do: the encoder, then its pooling, not normalised."""
    width, pooling = model.encoder.width, model.encoder.pooling
    modules = [("", "Transformer"), ("1_Pooling", "Pooling")]
    write_json(folder / "sentence_bert_config.json", {"max_seq_length": max_length, "do_lower_case": False})
    # By the names of versions 1 to 5, which version 6 reads too; the others know none of its new ones.
    pool = {"pooling_mode_cls_token": pooling != "mean", "pooling_mode_mean_tokens": pooling == "mean"}
    (folder / "1_Pooling").mkdir(exist_ok=True)
    write_json(folder / "1_Pooling/config.json", {"word_embedding_dimension": width} | pool)
    if pooling == "pooler":  # BERT's pooler is a dense layer on [CLS]
        pooler = model.encoder.network.pooler
        dense = getattr(pooler, "dense", pooler)  # ALBERT's is the layer itself
        (folder / "2_Dense").mkdir(exist_ok=True)
        shape = {"in_features": width, "out_features": width, "bias": True}
        activation = {"activation_function": "torch.nn.modules.activation.Tanh"}
        write_json(folder / "2_Dense/config.json", shape | activation)
        weights = {f"linear.{name}": value.detach().cpu().contiguous() for name, value in dense.named_parameters()}
        save_file(weights, folder / "2_Dense/model.safetensors")
        modules.append(("2_Dense", "Dense"))
    listed = [
        {"idx": i, "name": str(i), "path": path, "type": f"sentence_transformers.models.{kind}"}
        for i, (path, kind) in enumerate(modules)
    ]
    write_json(folder / "modules.json", listed)
