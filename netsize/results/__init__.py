"""Facts -> what is told: a report and its sentences, roll-up, comparison, growth, explanation, difference. It may
import `facts` and `lecture`; no torch, and nothing of `render`, which shows what stands here.

A new result is a class that inherits `display.Shown`, laid out by a file that `netsize.render.PAGES` names.
"""
