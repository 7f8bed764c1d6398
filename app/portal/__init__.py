"""The portal: what people see in a browser under their partner's brand: the customers' pages, the control tower, the console.

Hears nothing. Says view.saved, view.removed. Everything it changes goes through the commands of the rooms below.
"""
