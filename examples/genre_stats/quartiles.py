"""Print the quartiles that a run of GenreStatsFlow found: the one named, or the latest."""

import sys

from falaj import Flow, Run


def main():
    """Read one artifact of a finished run and print it as a table in millions of dollars."""
    if len(sys.argv) > 1:
        run = Run("GenreStatsFlow/" + sys.argv[1])
    else:
        run = Flow("GenreStatsFlow").latest_successful_run
    print(f"{'genre':<12}{'films':>6}{'25 %':>10}{'median':>10}{'75 %':>10}")
    for genre, found in run.data.genre_stats.items():
        low, median, high = (dollars / 1e6 for dollars in found["quartiles"])
        print(f"{genre:<12}{found['films']:>6}{low:>10.1f}{median:>10.1f}{high:>10.1f}")
    print("Gross in millions of US dollars.")


if __name__ == "__main__":
    main()
