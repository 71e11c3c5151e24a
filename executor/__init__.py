"""Program to workflow to effects: compiler, engines, guarded workers, archive."""
