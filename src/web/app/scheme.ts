// Before anything is drawn: the colours that were chosen here.
const chosen = localStorage.getItem('kith.scheme')
if (chosen === 'light' || chosen === 'dark') document.documentElement.dataset['scheme'] = chosen
