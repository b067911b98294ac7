"""From metrics to tables, Markdown, CSV, JSON and a page.

The rooms, from the lowest to the highest; each imports from those below it alone:

    formats, cells   a table, and how it is written; a row of metrics as the cells of one
    drawing/         how a page is drawn: markup from templates, charts, the sizes of plots
    outcome/         what a run came to: facts, and the sentences that say them
    sections/        a topic of a run each: its table, its JSON and its section of the page
    tables/          what is reported (a run, several, files, a comparison, a ranking) in every format but the page
    pages/           the page of a run, of several together, and of a ranking
"""
