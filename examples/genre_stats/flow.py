"""What films of each genre earn: one task per genre, gathered into one dictionary."""

import csv
import os

from falaj import FlowSpec, IncludeFile, step

SHIPPED_FILMS = os.path.join(os.path.dirname(os.path.abspath(__file__)), "movies.csv")
TOP = 3


def read_films(text):
    """Return one dict per row that has a gross: title, year, genres (a list), gross (dollars)."""
    return [
        {
            "title": row["movie_title"].strip(),
            "year": int(row["title_year"]),
            "genres": row["genres"].split("|"),
            "gross": int(row["gross"]),
        }
        for row in csv.DictReader(text.splitlines())
        if row["gross"]
    ]


def quantile(ordered, fraction):
    """Return the quantile of sorted numbers, on the straight line between its two neighbours."""
    place = (len(ordered) - 1) * fraction
    below = int(place)
    above = min(below + 1, len(ordered) - 1)
    return ordered[below] + (ordered[above] - ordered[below]) * (place - below)


class GenreStatsFlow(FlowSpec):
    """Compute the quartiles of box-office gross for every genre in a file of films."""

    movies = IncludeFile(
        "movies",
        default=SHIPPED_FILMS,
        help="CSV with the columns movie_title, title_year, genres (parted by |) and gross.",
    )

    @step
    def start(self):
        """Read the films and list their genres."""
        self.films = read_films(self.movies)
        self.genres = sorted({genre for film in self.films for genre in film["genres"]})
        print(f"{len(self.films)} films in {len(self.genres)} genres")
        self.next(self.compute_statistics, foreach="genres")

    @step
    def compute_statistics(self):
        """Find the quartiles and the best earners of one genre."""
        self.genre = self.input
        films = [film for film in self.films if self.genre in film["genres"]]
        ordered = sorted(film["gross"] for film in films)
        self.quartiles = [quantile(ordered, fraction) for fraction in (0.25, 0.5, 0.75)]
        self.count = len(films)
        self.top = sorted(films, key=lambda film: film["gross"], reverse=True)[:TOP]
        self.next(self.join)

    @step
    def join(self, inputs):
        """Gather what the genres' tasks found."""
        self.genre_stats = {
            part.genre: {"films": part.count, "quartiles": part.quartiles, "top": part.top}
            for part in inputs
        }
        self.next(self.end)

    @step
    def end(self):
        """Say which genre has the highest median."""
        best = max(self.genre_stats, key=lambda genre: self.genre_stats[genre]["quartiles"][1])
        median = self.genre_stats[best]["quartiles"][1]
        print(f"{len(self.genre_stats)} genres; the highest median is {best}'s: ${median:,.0f}")


if __name__ == "__main__":
    GenreStatsFlow()
