"""Writes the CSV files of this folder: invented records, the same ones at every run.

Run it with `python benchmarks/data/generate.py`. Files of the development goals and files of the
held-out goals share no table.
"""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterable, Sequence
from datetime import date, datetime, timedelta
from pathlib import Path
from random import Random

HERE = Path(__file__).parent
Cell = str | int | float | None
Rows = Iterable[Sequence[Cell]]


def maybe(random: Random, value: Cell, missing: float) -> Cell:
    """Gives the value, or nothing in a share of `missing` of all calls."""
    return None if random.random() < missing else value


def coffee_shops(_random: Random) -> Rows:
    """Eight shops (development)."""
    yield "shop", "district", "seats", "opened"
    yield "Anker", "Harbour", 24, 2011
    yield "Birke", "Old Town", 12, 2015
    yield "Cargo", "Harbour", 40, 2019
    yield "Distel", "University", 31, 2008
    yield "Ecke", "Old Town", 18, 2021
    yield "Funke", "University", 27, 2017
    yield "Grund", "Station", 52, 2013
    yield "Hafen", "Station", 15, 2020


def coffee_sales(random: Random) -> Rows:
    """Orders of the coffee shops over half a year (development)."""
    prices = {"espresso": 2.1, "latte": 3.6, "filter": 2.4, "tea": 2.7, "cocoa": 3.3}
    shops = ["Anker", "Birke", "Cargo", "Distel", "Ecke", "Funke", "Grund", "Hafen"]
    yield "order_id", "date", "shop", "drink", "size", "quantity", "price", "payment", "rating"
    for number in range(1, 241):
        drink = random.choice(list(prices))
        size = random.choices(["small", "medium", "large"], [3, 5, 2])[0]
        price = round(prices[drink] + {"small": 0, "medium": 0.6, "large": 1.1}[size] + random.uniform(-0.2, 0.3), 2)
        day = date(2024, 1, 1) + timedelta(days=random.randrange(182))
        rating = maybe(random, random.choices([2, 3, 4, 5], [1, 3, 6, 4])[0], 0.15)
        payment = random.choices(["card", "cash", "app"], [5, 3, 2])[0]
        yield number, day.isoformat(), random.choice(shops), drink, size, random.randint(1, 6), price, payment, rating


def bike_trips(random: Random) -> Rows:
    """Trips with hired bikes (development)."""
    yield "trip_id", "started", "station", "bike_type", "minutes", "distance_km", "member", "age"
    start = datetime(2024, 5, 6, 6, 0)
    for number in range(1, 201):
        kind = random.choices(["classic", "electric", "cargo"], [5, 4, 1])[0]
        minutes = round(random.gammavariate(2.4, 9.5) + 2, 1)
        speed = {"classic": 13.0, "electric": 18.5, "cargo": 10.5}[kind] * random.uniform(0.75, 1.2)
        began = start + timedelta(minutes=random.randrange(28 * 24 * 60))
        station = random.choice(["Museum", "Riverside", "Market", "Campus", "Stadium"])
        member = random.choices(["yes", "no"], [7, 3])[0]
        age = maybe(random, random.randint(17, 71), 0.12)
        yield number, began.isoformat(), station, kind, minutes, round(minutes / 60 * speed, 2), member, age


def books(random: Random) -> Rows:
    """The range of a bookshop (held out)."""
    first = ["Silent", "Northern", "Paper", "Second", "Hidden", "Copper", "Late", "Wide", "Broken", "Little"]
    second = ["Harbour", "Orchard", "Letters", "Winter", "Compass", "Garden"]
    genres = ["travel", "crime", "poetry", "children", "science", "history"]
    yield "book_id", "title", "genre", "list_price", "pages"
    for number in range(60):
        title = f"{first[number % 10]} {second[number // 10]}"
        genre = random.choice(genres)
        pages = random.randint(48, 640)
        yield f"B{number + 101}", title, genre, round(7.5 + pages * 0.021 + random.uniform(-2, 4), 2), pages


def bookshop_orders(random: Random) -> Rows:
    """What the bookshop sold in a year (held out)."""
    yield "order_id", "order_date", "city", "channel", "book_id", "copies", "unit_price", "rating"
    for number in range(1, 321):
        day = date(2023, 1, 2) + timedelta(days=random.randrange(362))
        city = random.choices(["Leeds", "Bristol", "Cardiff", "Derby", "Exeter"], [5, 4, 3, 2, 2])[0]
        channel = random.choices(["web", "store", "phone"], [6, 3, 1])[0]
        copies = random.choices([1, 2, 3, 4, 12], [60, 22, 9, 6, 3])[0]
        price = round(random.uniform(6.9, 24.9), 2)
        rating = maybe(random, random.choices([1, 2, 3, 4, 5], [1, 2, 5, 9, 8])[0], 0.22)
        yield 5000 + number, day.isoformat(), city, channel, f"B{random.randint(101, 160)}", copies, price, rating


def stations(_random: Random) -> Rows:
    """Weather stations (held out)."""
    yield "station", "region", "altitude_m", "since"
    yield "Tarn Head", "Hills", 412, 1974
    yield "Hollow Point", "Coast", 8, 1961
    yield "Saltmarsh", "Coast", 3, 1999
    yield "Upper Fold", "Hills", 655, 1988
    yield "Millbrook", "Plain", 94, 2004


def weather(random: Random) -> Rows:
    """Readings of five stations, every fifth day of a year (held out)."""
    base = {"Tarn Head": 8.0, "Hollow Point": 11.4, "Saltmarsh": 11.9, "Upper Fold": 5.6, "Millbrook": 10.3}
    yield "date", "station", "temperature_c", "rainfall_mm", "wind_kmh", "humidity_pct"
    for step in range(73):
        day = date(2022, 1, 3) + timedelta(days=5 * step)
        season = 8.5 * (1 - abs(day.timetuple().tm_yday - 200) / 91)
        for station, mean in base.items():
            wet = random.random() < 0.45
            rain = round(random.gammavariate(1.3, 6.5), 1) if wet else 0.0
            wind = round(random.gammavariate(4.0, 5.0) + (9 if mean > 11 else 0), 1)
            humidity = maybe(random, random.randint(48, 99), 0.06)
            warmth = maybe(random, round(mean + season + random.gauss(0, 2.4), 1), 0.03)
            yield day.isoformat(), station, warmth, rain, wind, humidity


def employee_survey(random: Random) -> Rows:
    """Answers of a company's staff (held out)."""
    departments = ["Assembly", "Design", "Logistics", "Service", "Finance"]
    yield "employee", "department", "site", "age", "tenure_years", "commute_minutes", "satisfaction", "salary"
    for number in range(1, 181):
        department = random.choices(departments, [6, 3, 5, 4, 2])[0]
        age = random.randint(20, 64)
        tenure = round(min(random.gammavariate(1.6, 4.5), age - 18), 1)
        commute = random.randint(4, 95)
        satisfaction = max(1.0, min(10.0, round(8.1 - commute * 0.032 + random.gauss(0, 1.3), 1)))
        base = {"Assembly": 34, "Design": 47, "Logistics": 36, "Service": 38, "Finance": 51}[department]
        salary = maybe(random, round((base + tenure * 0.7 + random.gauss(0, 4)) * 1000), 0.08)
        yield f"E{number:03}", department, random.choice(["North", "South"]), age, tenure, commute, satisfaction, salary


def parcels(random: Random) -> Rows:
    """Parcels of four carriers (held out)."""
    pace = {"Falke": 2.1, "Hermelin": 3.9, "Rasch": 2.8, "Zugvogel": 3.3}
    yield "parcel_id", "sent", "carrier", "service", "weight_kg", "distance_km", "price", "days", "status"
    for number in range(1, 261):
        carrier = random.choice(list(pace))
        service = random.choices(["standard", "express"], [7, 3])[0]
        weight = round(random.gammavariate(1.5, 3.1) + 0.1, 2)
        distance = random.randint(6, 940)
        price = round(3.2 + 0.9 * weight + 0.004 * distance + (6.5 if service == "express" else 0), 2)
        status = random.choices(["delivered", "returned", "lost"], [91, 6, 3])[0]
        slow = pace[carrier] * (0.5 if service == "express" else 1.0) + distance / 600
        days = None if status == "lost" else max(1, round(slow + random.gauss(0, 0.7)))
        sent = date(2024, 2, 1) + timedelta(days=random.randrange(90))
        yield f"P{number:04}", sent.isoformat(), carrier, service, weight, distance, price, days, status


def library_loans(random: Random) -> Rows:
    """Loans of a town library (held out)."""
    stay = {"novel": 17.5, "comic": 9.0, "travel guide": 22.5, "cookbook": 26.5, "audiobook": 13.0}
    yield "loan_id", "member_id", "borrowed_on", "branch", "category", "member_type", "days_kept", "renewals", "fine"
    for number in range(1, 301):
        category = random.choices(list(stay), [8, 5, 3, 3, 4])[0]
        kept = max(1, round(random.gauss(stay[category], 7.5)))
        day = date(2023, 9, 1) + timedelta(days=random.randrange(240))
        branch = random.choices(["Central", "Eastside", "Mill Lane", "Parkview"], [6, 3, 2, 4])[0]
        kind = random.choices(["adult", "student", "child"], [6, 3, 2])[0]
        fine = round(max(0, kept - 28) * 0.35, 2)
        member = f"M{random.randint(1, 140):03}"
        yield number, member, day.isoformat(), branch, category, kind, kept, min(2, kept // 15), fine


TABLES: tuple[Callable[[Random], Rows], ...] = (
    coffee_shops,
    coffee_sales,
    bike_trips,
    books,
    bookshop_orders,
    stations,
    weather,
    employee_survey,
    parcels,
    library_loans,
)


def write_all(folder: Path) -> None:
    """Writes every table as CSV into a folder."""
    for table in TABLES:
        name = table.__name__
        with (folder / f"{name}.csv").open("w", encoding="utf-8", newline="") as file:
            csv.writer(file, lineterminator="\n").writerows(table(Random(f"dagwright:{name}")))


if __name__ == "__main__":
    write_all(HERE)
