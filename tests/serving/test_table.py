"""`export --all --smoke`: a row for each signature, and a family that fails does not take the others along."""

import pytest

from tfgan_zoo import index
from tfgan_zoo.cli import models
from tfgan_zoo.errors import ZooError
from tfgan_zoo.serving import table


def test_a_table_of_families(monkeypatch, capsys):
    compared = []

    def verify(path, model):
        compared.append((path / "saved_model.pb").exists())
        if model.name == "wgan":
            raise ZooError("generate images differ")
        return {"generate images": 1e-7, "sample images": 1.0, "sample label": 0.0}

    monkeypatch.setattr(table, "verify", verify)
    found = list(table.rows(["gan", "wgan"]))
    assert [(row["family"], row.get("signature")) for row in found] == [
        ("gan", "generate"),
        ("gan", "sample"),
        ("wgan", None),
    ]
    assert found[1]["difference"] == 1.0 and found[0]["bytes"] > 1000 and compared == [True, True]
    monkeypatch.setattr(table, "rows", lambda *_: found)
    with pytest.raises(ZooError, match="1 of 2 families failed: wgan"):
        models.export_table(["gan", "wgan"])
    assert "1.0e-07" in capsys.readouterr().out


def test_every_family_has_a_preset_for_it():
    assert set(index.first_presets()) == set(index.families())
