"""Every form and layout that Gaia serves, as a small project with its real library, and the right answer to a request.

One table for all verbs: what `analyze`, `lint`, `invoke`, `run` and `build` do with a form must be the same.
"""

from tests.support.form_projects.applications import APPLICATIONS
from tests.support.form_projects.events import EVENTS
from tests.support.form_projects.layouts import LAYOUTS
from tests.support.form_projects.model import FormProject
from tests.support.form_projects.platforms import PLATFORMS

PROJECTS = (*EVENTS, *PLATFORMS, *APPLICATIONS, *LAYOUTS)

__all__ = ["PROJECTS", "FormProject"]
