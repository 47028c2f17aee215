"""A small runner of GitHub workflows: expressions, composite actions, and stand-ins for GitHub's own actions.

It follows the behavior of github.com/actions/runner for what this repository's actions and docs use, and refuses the rest.
"""
