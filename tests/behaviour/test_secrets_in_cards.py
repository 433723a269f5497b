"""No card shows a secret: not in components, not in the default card of a failed step."""

FLOW = """
    from falaj.cards import Markdown, Table


    class F(FlowSpec):
        @card
        @card(type="blank", id="own")
        @secrets(sources=["environment.DB_PASSWORD"])
        @step
        def start(self):
            import os

            word = os.environ["DB_PASSWORD"]
            self.kept = {"password": word}
            current.card["own"].append(Markdown("The word is " + word))
            current.card["own"].append(Table([[word]], headers=[word]))
            current.log_param("word", word)
            print("printed", word)
            raise ValueError("wrong: " + word)
            self.next(self.end)

        @step
        def end(self):
            pass
"""


def test_no_card_shows_a_secret(project):
    word = "correct-horse-battery"
    project.fail(FLOW, env={"DB_PASSWORD": word})
    listed = project.command("card", "list", "1/start", "--as-json").out
    assert '"id": "own"' in listed
    own = project.command("card", "get", "1/start", "--id", "own").out
    assert "The word is" in own
    assert "&lt;redacted&gt;" in own
    default = project.command("card", "get", "1/start", "--type", "default").out
    assert "ValueError" in default
    assert word not in own + default
    stored = [path for path in project.home.rglob("*") if path.is_file()]
    holding = {path.parent.parent.name for path in stored if word.encode() in path.read_bytes()}
    # The artifact itself has the real value, as the step has assigned it.
    assert holding <= {"blobs"}
