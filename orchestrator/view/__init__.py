"""What a person sees: the plan as tree, Mermaid and SVG, the running DAG, findings, answers."""
