def kept(): return None
