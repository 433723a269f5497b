"""The quartiles of each genre's gross, with one pandas to read and another one to compute."""

import os

from falaj import FlowSpec, IncludeFile, pypi, pypi_base, step

SHIPPED_FILMS = os.path.join(os.path.dirname(os.path.abspath(__file__)), "movies.csv")


@pypi_base(python="3.7", packages={"pandas": "0.25.3"})
class TwoPandasFlow(FlowSpec):
    """Read films with pandas 0.24.2, compute on each genre with pandas 0.25.3."""

    movies = IncludeFile(
        "movies",
        default=SHIPPED_FILMS,
        help="CSV with the columns movie_title, title_year, genres (parted by |) and gross.",
    )

    @pypi(packages={"pandas": "0.24.2"})
    @step
    def start(self):
        """Read the films and list their genres."""
        from io import StringIO

        import pandas

        self.read_with = pandas.__version__
        self.films = pandas.read_csv(StringIO(self.movies)).dropna(subset=["gross"])
        self.genres = sorted({genre for one in self.films["genres"] for genre in one.split("|")})
        self.next(self.compute_statistics, foreach="genres")

    @step
    def compute_statistics(self):
        """Find the quartiles of one genre."""
        import pandas

        self.genre = self.input
        self.computed_with = pandas.__version__
        has_genre = self.films["genres"].apply(lambda one: self.genre in one.split("|"))
        gross = self.films[has_genre]["gross"]
        self.quartiles = [float(gross.quantile(fraction)) for fraction in (0.25, 0.5, 0.75)]
        self.next(self.join)

    @step
    def join(self, inputs):
        """Gather what the genres' tasks found."""
        import pandas

        self.joined_with = pandas.__version__
        self.computed_with = sorted({part.computed_with for part in inputs})
        self.genre_stats = {part.genre: part.quartiles for part in inputs}
        self.merge_artifacts(inputs, include=["read_with"])
        self.next(self.end)

    @pypi(disabled=True)
    @step
    def end(self):
        """Say who did what, in the environment that the flow was started from."""
        best = max(self.genre_stats, key=lambda genre: self.genre_stats[genre][1])
        print(f"read with pandas {self.read_with}, computed with {', '.join(self.computed_with)}")
        print(f"{len(self.genre_stats)} genres; the highest median is {best}'s")


if __name__ == "__main__":
    TwoPandasFlow()
