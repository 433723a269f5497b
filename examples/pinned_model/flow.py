"""A model that is pinned to an old library, beside newer code that prepares its data."""

from falaj import FlowSpec, pypi, step


class PinnedModelFlow(FlowSpec):
    """Scale with scikit-learn 0.20, train with 0.22, and use that model from a step of today."""

    @pypi(python="3.7", packages={"scikit-learn": "0.20.4"})
    @step
    def start(self):
        """Make a data set and scale it."""
        import sklearn
        from sklearn.datasets import load_iris
        from sklearn.preprocessing import StandardScaler

        flowers = load_iris()
        self.prepared_with = sklearn.__version__
        self.scaled = StandardScaler().fit_transform(flowers.data)
        self.kinds = flowers.target
        self.next(self.train)

    @pypi(python="3.7", packages={"scikit-learn": "0.22.2.post1"})
    @step
    def train(self):
        """Train the model, which stays pinned to the library that made it."""
        import sklearn
        from sklearn.linear_model import LogisticRegression

        self.trained_with = sklearn.__version__
        self.model = LogisticRegression(max_iter=200).fit(self.scaled, self.kinds)
        self.next(self.score)

    @pypi(python="3.7", packages={"scikit-learn": "0.22.2.post1"})
    @step
    def score(self):
        """Use the model where it can be read, and leave plain numbers behind."""
        self.predicted = [int(kind) for kind in self.model.predict(self.scaled)]
        self.accuracy = round(float(self.model.score(self.scaled, self.kinds)), 2)
        self.truth = [int(kind) for kind in self.kinds]
        del self.scaled, self.kinds
        self.next(self.end)

    @step
    def end(self):
        """Read the numbers with the newer code around it."""
        right = sum(one == other for one, other in zip(self.predicted, self.truth))
        print(f"prepared with {self.prepared_with}, trained with {self.trained_with}")
        print(f"{right} of {len(self.truth)} flowers named rightly ({self.accuracy:.0%})")


if __name__ == "__main__":
    PinnedModelFlow()
