"""A model that is pinned to an old library, beside newer code that prepares its data."""

from falaj import FlowSpec, pypi, step


class PinnedModelFlow(FlowSpec):
    """Fit a scaler with scikit-learn 0.20, use it to train with 0.22, go on with code of today."""

    @pypi(python="3.7", packages={"scikit-learn": "0.20.4"})
    @step
    def start(self):
        """Load a data set and fit the scaler that prepares it."""
        import sklearn
        from sklearn.datasets import load_iris
        from sklearn.preprocessing import StandardScaler

        flowers = load_iris()
        self.prepared_with = sklearn.__version__
        self.scaler = StandardScaler().fit(flowers.data)
        self.flowers, self.kinds = flowers.data, flowers.target
        self.next(self.train)

    @pypi(python="3.7", packages={"scikit-learn": "0.22.2.post1"})
    @step
    def train(self):
        """Train the model on what the older library's scaler makes of the data."""
        import warnings

        import sklearn
        from sklearn.linear_model import LogisticRegression

        # It warns of a model that another of its versions has made, which is what we want here.
        warnings.simplefilter("ignore")
        self.trained_with = sklearn.__version__
        scaled = self.scaler.transform(self.flowers)
        self.model = LogisticRegression(max_iter=200).fit(scaled, self.kinds)
        self.next(self.score)

    @pypi(python="3.7", packages={"scikit-learn": "0.22.2.post1"})
    @step
    def score(self):
        """Use the model, pinned to the library that made it, and leave plain numbers behind."""
        import warnings

        warnings.simplefilter("ignore")
        scaled = self.scaler.transform(self.flowers)
        self.predicted = [int(kind) for kind in self.model.predict(scaled)]
        self.accuracy = round(float(self.model.score(scaled, self.kinds)), 2)
        self.truth = [int(kind) for kind in self.kinds]
        self.next(self.end)

    @step
    def end(self):
        """Read the numbers with the newer code around it."""
        right = sum(one == two for one, two in zip(self.predicted, self.truth, strict=True))
        print(f"prepared with {self.prepared_with}, trained with {self.trained_with}")
        print(f"{right} of {len(self.truth)} flowers named rightly ({self.accuracy:.0%})")


if __name__ == "__main__":
    PinnedModelFlow()
